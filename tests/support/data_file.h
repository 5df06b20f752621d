/* Files of the real data sets, which the folder CARTWRIGHT_DATA holds packed (NAME.zst). Not everybody has them. */
#ifndef SUPPORT_DATA_FILE_H
#define SUPPORT_DATA_FILE_H

/* NULL, or why the file cannot be had here. */
const char *data_file_absent(const char *name);

/* Path of the file, unpacked in folder_of_run and the caller's to unlink; valid until the next call. Ends the process, told why, if
 * it cannot be unpacked. */
const char *data_file(const char *name);

#endif
