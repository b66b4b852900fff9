using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The folder of a model's files in the studio's folder. Names of models are paths or have slashes.</summary>
internal static class ModelFolder
{
    private const int Longest = 150;

    /// <summary>Its path; it need not exist.</summary>
    /// <param name="root">The folder of all models' files.</param>
    /// <param name="model">Name of the model.</param>
    public static string Of(string root, string model) => Path.Combine(
        root, Uri.EscapeDataString(model) is { Length: > 0 and <= Longest } escaped && escaped[0] != '.' ? escaped : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model))));

    /// <summary>The files in it, by name; none if it cannot be read.</summary>
    /// <param name="root">The folder of all models' files.</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="extension">The extension of the files.</param>
    /// <param name="log">Is told if it cannot be read.</param>
    public static IReadOnlyList<string> Files(string root, string model, string extension, ILogger? log)
    {
        var folder = Of(root, model);
        try
        {
            return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, $"*{extension}").Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log?.LogWarning("{Model}: {Problem}", model, e.Message);
            return [];
        }
    }
}
