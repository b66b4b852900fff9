using System.Runtime.InteropServices;
using System.Text;

namespace PromptToPrompt.Cli.Printing;

/// <summary>
/// Handles standard streams that the caller closed, as <c>2&gt;&amp;-</c> does. Their descriptors are free, so the runtime has used them for pipes of
/// its own before the program begins. A message would then look like a signal, and the output of a native library would go to whatever file got
/// the descriptor.
/// </summary>
internal static partial class ClosedStreams
{
    private const string Null = "/dev/null";
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;
    private const int ReadOnly = 0;
    private const int WriteOnly = 1;

    /// <summary>Restarts the program with the closed streams open on descriptors that can be neither read nor written, as the C library does for privileged programs.</summary>
    public static void Replace()
    {
        if (!OperatingSystem.IsLinux())
            return;
        int[] closed = [.. Enumerable.Range(0, 3).Where(stream => !IsInherited(stream))];
        // Read first: opening a file may reuse one of the descriptors.
        var arguments = closed.Length == 0 ? [] : Arguments();
        if (closed.Any(stream => !ReplaceByNull(stream)) || closed.Length == 0)
            return;
        _ = Execute("/proc/self/exe", arguments);
    }

    // Descriptors that the runtime opened are close-on-exec; inherited ones are not.
    private static bool IsInherited(int stream) => Control(stream, GetFlags) is var flags && flags >= 0 && (flags & CloseOnExec) == 0;

    private static bool ReplaceByNull(int stream)
    {
        var opened = Open(Null, stream == 0 ? WriteOnly : ReadOnly);
        if (opened == stream)
            return true;
        return opened >= 0 && Duplicate(opened, stream) == stream && Close(opened) == 0;
    }

    private static string?[] Arguments() =>
        [.. Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline")).TrimEnd('\0').Split('\0'), null];

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
