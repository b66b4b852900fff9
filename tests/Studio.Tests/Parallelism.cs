using Xunit.Sdk;
using Xunit.v3;

// libtorch uses all cores by itself, and every studio has a queue of its own.
[assembly: Parallelization(Mode = ParallelMode.None)]
