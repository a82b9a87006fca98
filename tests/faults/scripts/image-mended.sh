# Undoes image-corrupt.sh.
for kept in /var/lib/registry/docker/registry/v2/blobs/sha256/*/*/data.kept; do
  if [ -e $kept ]; then mv $kept ${kept%.kept}; fi
done
