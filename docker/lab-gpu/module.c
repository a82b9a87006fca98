/* SIMULATED: what modinfo and depmod read of a kernel module. It cannot be loaded. The version is
   replaced, digit by digit, when the "driver" is installed. */
#define INFO(name, text) \
    static const char name[] __attribute__((section(".modinfo"), used)) = text

INFO(version, "version=000.000.00");
INFO(license, "license=Dual MIT/GPL");
INFO(description, "description=simulated by the provision lab");
