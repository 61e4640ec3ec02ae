#ifndef COUNTERSIGN_CLINUX_H
#define COUNTERSIGN_CLINUX_H

/// Opens `path` beneath the folder `directory`, following no symbolic link (openat2(2) with
/// RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); returns a descriptor, or the negative errno.
int linux_open_beneath(int directory, const char *_Nonnull path, int flags, unsigned int mode);

#endif
