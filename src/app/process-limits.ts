// What this process may use of its machine: open files and memory.
/** Node has no getrlimit, but its report has what that would give; nothing on systems without such limits. */
export function readOpenFilesMax(): number {
  const report = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | 'unlimited' } };
  };
  const softLimit = report.userLimits?.open_files?.soft;
  return typeof softLimit === 'number' ? softLimit : Infinity;
}

/** Without a container's limit Node gives 0, nothing, or more than there is. */
export function readMemoryBytesMax(): number {
  const { heap_size_limit: heapBytesMax } = process.getBuiltinModule('node:v8').getHeapStatistics();
  return Math.min(heapBytesMax, process.constrainedMemory() || Infinity);
}
