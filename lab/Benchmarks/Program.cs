using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using PromptToPrompt.Benchmarks;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;

LibTorch.EnsureLoaded();
switch (args)
{
    case ["fullsize", .. var options]:
        return FullSizeRun.Execute(options);
    case ["inversion", .. var ways]:
        return InversionRun.Execute(ways);
    case ["linear"]:
        for (var i = 0; i < 5; i++)
            Console.WriteLine(FormattableString.Invariant($"linear layers: oneDNN is {LinearChoice.Advantage():F2} times as fast as MKL"));
        return 0;
    case ["memory", var path]:
        return MemoryRun.Execute(path);
    case ["photograph"]:
        return PhotographRun.Execute();
    default:
        // In-process, because a separate build of the project would copy libtorch again.
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithStrategy(RunStrategy.Monitoring)
            .WithWarmupCount(1).WithIterationCount(5).WithInvocationCount(1).WithUnrollFactor(1);
        BenchmarkSwitcher.FromAssembly(typeof(UNetBenchmarks).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
        return 0;
}
