using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Studio.Store;

/// <summary>A file that holds space back for a full disk: the database needs some to delete, and to open.</summary>
/// <param name="path">The file.</param>
internal sealed class Reserve(string path)
{
    private const int Size = 4 << 20;
    private const int Piece = 1 << 16;

    private readonly Lock changing = new();

    /// <summary>Does something that is allowed to use the reserve, if the disk is full.</summary>
    /// <exception cref="DiskFullException">The reserve does not suffice.</exception>
    public T Lend<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DiskFullException)
        {
            lock (changing)
            {
                File.Delete(path);
                try
                {
                    return work();
                }
                finally
                {
                    Fill();
                }
            }
        }
    }

    /// <inheritdoc cref="Lend{T}"/>
    public void Lend(Action work) => Lend(() =>
    {
        work();
        return true;
    });

    /// <summary>Brings the file to its size, or as near as the disk allows.</summary>
    public void Fill()
    {
        lock (changing)
        {
            try
            {
                using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                while (file.Length < Size)
                {
                    // Random bytes take their space even if the file system compresses.
                    file.Write(RandomNumberGenerator.GetBytes(Piece));
                }
            }
            catch (IOException e) when (AtomicFile.IsDiskFull(e))
            {
                // It keeps the bytes that fit.
            }
        }
    }
}
