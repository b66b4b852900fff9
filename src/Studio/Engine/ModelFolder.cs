using System.Security.Cryptography;
using System.Text;

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
}
