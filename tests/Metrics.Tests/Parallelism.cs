// The memory of the process is measured.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
