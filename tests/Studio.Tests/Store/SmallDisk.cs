using System.Diagnostics;

namespace PromptToPrompt.Studio.Tests.Store;

/// <summary>A disk of a few megabytes, in memory, with a file that fills it.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private SmallDisk()
    {
    }

    /// <summary>Its root.</summary>
    public string Path => folder.Path;

    private string Ballast => folder["ballast"];

    /// <summary>Mounts a disk, or skips the test.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        var disk = new SmallDisk();
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk.Path))
            return disk;
        disk.folder.Dispose();
        Assert.Skip("No small disk can be mounted here: that takes Linux, root and the right to mount.");
        throw new UnreachableException();
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill()
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in new[] { 1 << 16, 1 })
        {
            try
            {
                while (true)
                    file.Write(new byte[size]);
            }
            catch (IOException)
            {
                // It is full for pieces of this size.
            }
        }
    }

    public void Dispose()
    {
        Assert.True(Run("umount", "--lazy", Path));
        folder.Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
