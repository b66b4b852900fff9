// libtorch uses all cores by itself, and every studio has a queue of its own.
using Xunit.Sdk;
using Xunit.v3;

[assembly: Parallelization(Mode = ParallelMode.None)]
