using Xunit.Sdk;
using Xunit.v3;

// libtorch uses all cores by itself.
[assembly: Parallelization(Mode = ParallelMode.None)]
