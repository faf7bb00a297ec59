/* A CUDA driver library with the functions the tracker uses, for the genuine Python bindings to load. Memory is the
   host's, copies happen at once, and handles are fixed numbers that must come back as they were given. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STREAM ((void *)0x88)
#define GRAPH ((void *)0x99)
#define EXECUTABLE ((void *)0xaa)
#define CONTEXT ((void *)0x77)
#define NEW ((void *)0x66) /* a graph that gives an error of a driver to come */
enum { SUCCESS = 0, INVALID_VALUE = 1, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, NEW_ERROR = 4711 };

static int init(unsigned flags) { return SUCCESS; }
static int version(int *out) { *out = 13000; return SUCCESS; }
static int count(int *out) { *out = 1; return SUCCESS; }
static int device(int *out, int ordinal) { *out = ordinal; return SUCCESS; }
static int name(char *out, int length, int device) { strncpy(out, "Stub GPU", length); return SUCCESS; }
static int attribute(int *out, int which, int device) {
  *out = which == 75 ? 8 : which == 76 ? 7 : which == 16 ? 14 : getenv("STUB_INTEGRATED") != NULL;
  return SUCCESS;
}
static int retain(void **out, int device) { *out = CONTEXT; return SUCCESS; }
static int release(int device) { return SUCCESS; }
static int push(void *context) { return context == CONTEXT ? SUCCESS : INVALID_VALUE; }
static int pop(void **out) { *out = CONTEXT; return SUCCESS; }
static int wait_all(void) { return SUCCESS; }
static int make_stream(void **out, unsigned flags) { *out = STREAM; return flags == 1 ? SUCCESS : INVALID_VALUE; }
static int use_stream(void *stream) { return stream == STREAM ? SUCCESS : INVALID_VALUE; }
static int host_allocate(void **out, size_t size, unsigned flags) { *out = malloc(size); return SUCCESS; }
static int host_free(void *address) { free(address); return SUCCESS; }
static int allocate(uint64_t *out, size_t size) { *out = (uint64_t)malloc(size); return SUCCESS; }
static int release_memory(uint64_t address) { free((void *)address); return SUCCESS; }
static int mapped(uint64_t *out, void *address, unsigned flags) { *out = (uint64_t)address; return SUCCESS; }
static int upload(uint64_t to, const void *from, size_t size, void *stream) {
  memcpy((void *)to, from, size);
  return use_stream(stream);
}
static int download(void *to, uint64_t from, size_t size, void *stream) {
  memcpy(to, (void *)from, size);
  return use_stream(stream);
}
static int begin(void *stream, int mode) { return mode == 1 ? use_stream(stream) : INVALID_VALUE; }
static int end(void *stream, void **out) { *out = GRAPH; return use_stream(stream); }
static int instantiate(void **out, void *graph, unsigned long long flags) {
  *out = EXECUTABLE;
  return graph == GRAPH && flags == 0 ? SUCCESS : INVALID_VALUE;
}
static int launch(void *executable, void *stream) {
  if (executable == NEW) return NEW_ERROR;
  return executable == EXECUTABLE && stream == STREAM ? SUCCESS : ILLEGAL_ADDRESS;
}
static int destroy(void *handle) {
  if (handle == NEW) return NEW_ERROR;
  return handle == GRAPH || handle == EXECUTABLE ? SUCCESS : INVALID_VALUE;
}
static int explain(int error, const char **out) { *out = "the stub says no"; return SUCCESS; }

static const struct { const char *name; void *function; } functions[] = {
    {"cuInit", init}, {"cuDriverGetVersion", version}, {"cuDeviceGetCount", count}, {"cuDeviceGet", device},
    {"cuDeviceGetName", name}, {"cuDeviceGetAttribute", attribute}, {"cuDevicePrimaryCtxRetain", retain},
    {"cuDevicePrimaryCtxRelease", release}, {"cuDevicePrimaryCtxReset", release}, {"cuCtxPushCurrent", push},
    {"cuCtxPopCurrent", pop}, {"cuCtxSynchronize", wait_all}, {"cuStreamCreate", make_stream},
    {"cuStreamDestroy", use_stream}, {"cuStreamSynchronize", use_stream}, {"cuMemHostAlloc", host_allocate},
    {"cuMemFreeHost", host_free}, {"cuMemAlloc", allocate}, {"cuMemFree", release_memory},
    {"cuMemHostGetDevicePointer", mapped}, {"cuMemcpyHtoDAsync", upload}, {"cuMemcpyDtoHAsync", download},
    {"cuStreamBeginCapture", begin}, {"cuStreamEndCapture", end}, {"cuGraphInstantiate", instantiate},
    {"cuGraphInstantiateWithFlags", instantiate}, {"cuGraphLaunch", launch}, {"cuGraphDestroy", destroy},
    {"cuGraphExecDestroy", destroy}, {"cuGetErrorString", explain},
};

/* How the bindings find every function. */
int cuGetProcAddress_v2(const char *wanted, void **out, int version, uint64_t flags, void *status) {
  *out = strncmp(wanted, "cuGetProcAddress", 16) == 0 ? (void *)cuGetProcAddress_v2 : NULL;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(wanted, functions[i].name) == 0) *out = functions[i].function;
  return *out != NULL ? SUCCESS : NOT_FOUND;
}
