/* Where a test or a benchmark keeps files: one folder a process, removed with all in it at exit. */
#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

/* Its path, the same at every call; made at the first. Ends the process if it cannot be made. One thread. */
const char *folder_of_run(void);

#endif
