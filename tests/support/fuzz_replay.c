/* Stands in for libFuzzer's main: feeds every file of the directories and files named on the
 * command line to the target once, so that each seed and each found crash is an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data =
        malloc(size + (size == 0)); /* exact size, so that ASan sees a read past the end */
    if (!data || fread(data, 1, size, f) != size) {
        perror(path);
        exit(1);
    }
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay_directory(const char *path, DIR *dir)
{
    int count = 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] != '.') {
            char file[4096];
            (void)snprintf(file, sizeof file, "%s/%s", path, e->d_name);
            count += replay_file(file);
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        count += dir ? replay_directory(argv[i], dir) : replay_file(argv[i]);
        if (dir) {
            (void)closedir(dir);
        }
    }
    printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
