// libtorch uses all cores by itself, and the leak test counts every tensor of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
