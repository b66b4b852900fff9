using PromptToPrompt.Cluster.Tests.Work;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace PromptToPrompt.Cluster.Tests;

/// <summary>Runs the tests, or a worker of text for tests that kill one.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is [TextWorker.Command, var address, var log, var pause])
            return await TextWorker.Run(address, log, pause);
        return args.Any(arg => arg is "--server" or "--internal-msbuild-node")
            ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await ConsoleRunner.Run(args);
    }
}
