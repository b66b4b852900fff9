using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A word that was learned in the studio.</summary>
/// <param name="Word">The word as written in prompts.</param>
/// <param name="Path">Its file.</param>
/// <param name="Hash">Identifies its vectors.</param>
internal sealed record AddedWord(string Word, string Path, string Hash)
{
    private readonly AddedToken token = new(Word, 0, 1);

    /// <summary>The normalized word, for comparison.</summary>
    public string Normal => token.Normal;

    /// <summary>Whether prompts contain the word.</summary>
    public bool IsIn(IEnumerable<string> prompts) => prompts.Any(token.IsIn);

    /// <summary>The embedding to load. It is left out of the model's fingerprint, so that pictures without the word stay the same.</summary>
    public TextEmbedding Embedding => new(Path, Word) { IsIdentifying = false };
}

/// <summary>The words that were learned in the studio: embedding files in its folder, one folder per model.</summary>
/// <param name="data">The studio's folder.</param>
/// <param name="log">Receives notes on files that cannot be read.</param>
internal sealed class AddedWords(string data, ILogger? log = null)
{
    private const string Extension = ".safetensors";
    private const int LongestName = 150;
    private const int HashLength = 16;

    private readonly string root = Path.Combine(data, "words");
    private readonly ConcurrentDictionary<string, IReadOnlyList<AddedWord>> found = new(StringComparer.Ordinal);

    // Held while a word is added, removed or looked for, so that no outdated list is kept.
    private readonly Lock changing = new();

    /// <summary>The words of a model.</summary>
    public IReadOnlyList<AddedWord> Of(string model)
    {
        if (found.TryGetValue(model, out var known))
            return known;
        lock (changing)
            return found.GetOrAdd(model, name => [.. ModelFolder.Files(root, name, Extension, log).Select(Read).OfType<AddedWord>()]);
    }

    /// <summary>Requires that a word can be the name of a file.</summary>
    /// <exception cref="InvalidInputException">It is too long.</exception>
    public static void RequireName(string word)
    {
        if (Uri.EscapeDataString(word).Length > LongestName)
            throw new InvalidInputException(nameof(LearnedRecipe.Word), "It is too long.", "Use a shorter word.");
    }

    /// <summary>Stores a learned word.</summary>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public void Add(string model, WordVectors word)
    {
        try
        {
            lock (changing)
            {
                word.Save(Path.Combine(Directory.CreateDirectory(ModelFolder.Of(root, model)).FullName, Uri.EscapeDataString(word.Word) + Extension));
                found.TryRemove(model, out _);
            }
        }
        catch (IOException e) when (DiskFullException.IsCause(e))
        {
            throw new DiskFullException(e);
        }
    }

    /// <summary>Deletes a word.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Remove(string model, string word)
    {
        lock (changing)
        {
            if (Of(model).FirstOrDefault(other => other.Word == word) is not { } known)
                return false;
            File.Delete(known.Path);
            found.TryRemove(model, out _);
            return true;
        }
    }

    private AddedWord? Read(string path)
    {
        try
        {
            return new(Uri.UnescapeDataString(Path.GetFileNameWithoutExtension(path)), path, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))[..HashLength]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log?.LogWarning("A learned word is left out: {Problem}", e.Message);
            return null;
        }
    }
}
