using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PromptToPrompt.Cluster.Tests.Servers;

/// <summary>A private server of the tests, in a folder and on a port of its own.</summary>
internal static class ServerProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort() => FreePorts().First;

    /// <summary>Two different ports that were free a moment ago.</summary>
    public static (int First, int Second) FreePorts()
    {
        using TcpListener first = new(IPAddress.Loopback, 0), second = new(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    /// <summary>Starts a server on a free port. Another program may take the port before the server has it: then the next one is tried.</summary>
    public static void OnFreePort(Action<int> choose, Action start)
    {
        for (var tries = 1; ; tries++)
        {
            choose(FreePort());
            try
            {
                start();
                return;
            }
            catch (Exception) when (tries < 3)
            {
                // It ended at once.
            }
        }
    }

    /// <summary>Starts a program whose output nobody reads. It ends with the tests, also if they are killed.</summary>
    public static Process Start(string program, params string[] arguments) => StartAs([], program, arguments);

    /// <summary>Starts a program whose output nobody reads.</summary>
    /// <param name="user">The command that changes the user, if there is one. It comes first, because a change of the user ends the bond to the tests.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Process StartAs(string[] user, string program, params string[] arguments)
    {
        string[] command = [.. user, "setpriv", "--pdeathsig", "KILL", program, .. arguments];
        var process = Starter.Run(() => Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" }))!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs a program to its end.</summary>
    public static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {output.Result}{error.Result}");
    }

    /// <summary>Ends a process at once, and waits until it has ended: it may still write into its folder.</summary>
    public static void End(Process process)
    {
        if (!process.HasExited)
            process.Kill();
        Wait(process);
        process.Dispose();
    }

    /// <summary>Waits for the end of a process.</summary>
    public static void Wait(Process process)
    {
        if (!process.WaitForExit(Limit))
            throw new TimeoutException($"The process {process.Id} did not end.");
    }

    /// <summary>Sends a signal to a process.</summary>
    public static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for a condition.</summary>
    public static async Task Until(Func<Task<bool>> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
                throw new TimeoutException($"This did not happen: {what}");
            await Task.Delay(20);
        }
    }

    /// <summary>Waits for a condition.</summary>
    public static Task Until(Func<bool> holds, string what) => Until(() => Task.FromResult(holds()), what);

    // Linux binds a process to the thread that started it, and threads of the pool end when they have nothing to do.
    private static class Starter
    {
        private static readonly BlockingCollection<Action> Work = [];

        static Starter() => new Thread(() =>
        {
            foreach (var start in Work.GetConsumingEnumerable())
                start();
        })
        { IsBackground = true, Name = "starter of servers" }.Start();

        public static T Run<T>(Func<T> start)
        {
            var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            Work.Add(() =>
            {
                try
                {
                    result.SetResult(start());
                }
                catch (Exception e)
                {
                    result.SetException(e);
                }
            });
            return result.Task.GetAwaiter().GetResult();
        }
    }
}
