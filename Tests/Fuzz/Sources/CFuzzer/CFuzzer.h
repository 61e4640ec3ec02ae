#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with the arguments of a program that has a main function of its own; see FuzzerInterface.h of LLVM.
int LLVMFuzzerRunDriver(
    int *_Nonnull argc,
    char *_Nullable *_Nonnull *_Nonnull argv,
    int (*_Nonnull callback)(const uint8_t *_Nullable data, size_t size)
);
