# On the registry: other bytes than the digests promise.
for blob in /var/lib/registry/docker/registry/v2/blobs/sha256/*/*/data; do
  cp $blob $blob.kept
  printf x | dd of=$blob bs=1 seek=12 conv=notrunc
done
