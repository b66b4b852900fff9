using System.Security.Cryptography;
using System.Text;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// The expected hash of a file's content. The hub identifies large files by SHA-256 and others as git does, by the SHA-1 of a short header
/// and the content; the length of the hash distinguishes the two.
/// </summary>
internal sealed record ContentHash
{
    private const int GitLength = 40;
    private const int Sha256Length = 64;

    private ContentHash(string text) => Text = text;

    /// <summary>The hash in hexadecimal, which is also the blob's name.</summary>
    public string Text { get; }

    /// <summary>Parses the hash in an ETag; null if it is not one.</summary>
    public static ContentHash? OfTag(string? tag)
    {
        var text = tag ?? "";
        if (text.StartsWith("W/", StringComparison.Ordinal))
            text = text[2..];
        text = text.Trim('"').ToLowerInvariant();
        return text.Length is GitLength or Sha256Length && text.All(char.IsAsciiHexDigitLower) ? new ContentHash(text) : null;
    }

    /// <summary>Starts hashing content of this size.</summary>
    public IncrementalHash Start(long size)
    {
        if (Text.Length == Sha256Length)
            return IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {size}\0"));
        return hash;
    }

    /// <summary>Whether a hash started by <see cref="Start"/> matches.</summary>
    public bool IsThatOf(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetCurrentHash()) == Text;
}
