/* SIMULATED: the three calls that open a context on every GPU (CUDA Driver API; 0 is success).
   A GPU is a device node that is there. */
#include <stdio.h>
#include <unistd.h>

static int present(int device) {
    char node[32];
    snprintf(node, sizeof node, "/dev/nvidia%d", device);
    return access(node, F_OK) == 0;
}

int cuInit(unsigned flags) { return present(0) ? 0 : 100; /* CUDA_ERROR_NO_DEVICE */ }

int cuDeviceGetCount(int *count) {
    for (*count = 0; present(*count); ++*count) {}
    return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = (void *)1;
    return present(device) ? 0 : 101; /* CUDA_ERROR_INVALID_DEVICE */
}
