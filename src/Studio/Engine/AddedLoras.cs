using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// The LoRAs that visitors added to models: files in the studio's folder, one folder per model. Their weight is 0 unless a recipe gives another one, and then they are
/// not loaded, so that earlier pictures and their edits stay the same.
/// </summary>
/// <param name="data">The studio's folder.</param>
/// <param name="log">Receives notes on files that cannot be read.</param>
internal sealed class AddedLoras(string data, ILogger? log = null)
{
    private const string Extension = ".safetensors";
    private const int LongestName = 100;

    // File systems limit names in bytes, to 255 with the extension.
    private const int MostBytes = 200;

    private static readonly char[] Unusable = [',', ':', '/', '\\', .. Path.GetInvalidFileNameChars()];

    private readonly string root = Path.Combine(data, "loras");
    private readonly ConcurrentDictionary<string, IReadOnlyList<Lora>> found = new(StringComparer.Ordinal);

    // Held while a file is added, removed or looked for, so that no outdated list is kept.
    private readonly Lock changing = new();
    private int isArriving;

    /// <summary>Removes uploads that the last run did not finish.</summary>
    public void Begin()
    {
        foreach (var folder in Directory.Exists(root) ? Directory.GetDirectories(root, ".*") : [])
            Discard(folder);
    }

    /// <summary>The LoRAs of a model, by name.</summary>
    public IReadOnlyList<Lora> Of(string model)
    {
        if (found.TryGetValue(model, out var known))
            return known;
        lock (changing)
            return found.GetOrAdd(model, name => [.. ModelFolder.Files(root, name, Extension, log).Select(path => new Lora(path, 0))]);
    }

    /// <summary>Whether a LoRA was added by a visitor.</summary>
    public bool Has(Lora lora) => lora.Path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The name that a file gives its LoRA.</summary>
    /// <exception cref="InvalidInputException">The file has another format, or the name could not be written in a recipe.</exception>
    public static string NameOf(string file)
    {
        if (!file.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            throw Invalid($"{Short(file)} is not a {Extension} file.", "Add a LoRA in that format.");
        var name = file[..^Extension.Length].Trim();
        if (name.Length is 0 or > LongestName || name[0] == '.' || name.IndexOfAny(Unusable) >= 0 || name.Any(char.IsControl))
            throw Invalid($"{Short(file)} cannot be the name of a LoRA.", $"Rename the file: use at most {LongestName} characters, no comma, colon or slash, and no period at the beginning.");
        if (Encoding.UTF8.GetByteCount(name) > MostBytes)
            throw Invalid($"{Short(file)} is too long for the name of a LoRA.", "Rename the file.");
        return name;
    }

    /// <summary>Stores a LoRA under its final name once it is complete and fits.</summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="name">Its name; see <see cref="NameOf"/>.</param>
    /// <param name="body">The file.</param>
    /// <param name="requireFits">Throws if the file at a path is not a LoRA of the model.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    /// <exception cref="InvalidInputException">It does not fit, there is one of this name, or it cannot be stored.</exception>
    /// <exception cref="QueueFullException">Another one is arriving.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public async Task Add(string model, string name, Stream body, Action<Lora> requireFits, CancellationToken cancellationToken)
    {
        // A file may take gigabytes of the disk before it is known to fit.
        if (Interlocked.Exchange(ref isArriving, 1) == 1)
            throw new QueueFullException("Another LoRA is being added. Wait until it is done.");
        try
        {
            await Receive(model, name, body, requireFits, cancellationToken);
        }
        finally
        {
            Volatile.Write(ref isArriving, 0);
        }
    }

    /// <summary>Deletes a LoRA.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Remove(string model, string name)
    {
        lock (changing)
        {
            if (Of(model).FirstOrDefault(lora => LoraWeights.Name(lora) == name) is not { } lora)
                return false;
            File.Delete(lora.Path);
            found.TryRemove(model, out _);
            return true;
        }
    }

    /// <summary>The error for a name that the model already has.</summary>
    public static InvalidInputException Taken(string name) => Invalid($"The model already has a LoRA \"{name}\".", "Remove that one first, or rename the file.");

    private async Task Receive(string model, string name, Stream body, Action<Lora> requireFits, CancellationToken cancellationToken)
    {
        var arriving = Path.Combine(root, $".{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        try
        {
            Directory.CreateDirectory(arriving);
            var path = Path.Combine(arriving, name + Extension);
            await using (var file = new FileStream(path, FileMode.CreateNew))
            {
                await body.CopyToAsync(file, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            try
            {
                requireFits(new Lora(path));
            }
            catch (InvalidInputException e)
            {
                throw Invalid(e.Text.Replace(path, name, StringComparison.Ordinal), null, e);
            }

            lock (changing)
            {
                var target = Path.Combine(Directory.CreateDirectory(FolderOf(model)).FullName, name + Extension);
                if (File.Exists(target))
                    throw Taken(name);
                File.Move(path, target);
                found.TryRemove(model, out _);
            }
        }
        catch (IOException e) when (DiskFullException.IsCause(e))
        {
            throw new DiskFullException(e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not BadHttpRequestException))
        {
            throw Invalid($"{name} cannot be stored: {e.Message.Replace(root, Path.GetFileName(root), StringComparison.Ordinal)}", null, e);
        }
        finally
        {
            if (Directory.Exists(arriving))
                Discard(arriving);
        }
    }

    private static void Discard(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start tries again.
        }
    }

    private string FolderOf(string model) => ModelFolder.Of(root, model);

    private static string Short(string file) => file.Length <= LongestName ? file : $"{file[..LongestName]}…";

    private static InvalidInputException Invalid(string problem, string? advice, Exception? cause = null) => new(nameof(RootRecipe.Loras), problem, advice, cause);
}
