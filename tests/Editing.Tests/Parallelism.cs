// libtorch uses all cores by itself, and the leak test counts every tensor of the process.
using Xunit.Sdk;
using Xunit.v3;

[assembly: Parallelization(Mode = ParallelMode.None)]
