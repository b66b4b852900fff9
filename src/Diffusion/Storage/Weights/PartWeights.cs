namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>The weights of one part of a model, under the diffusers names.</summary>
/// <param name="Origin">The file's name in errors.</param>
/// <param name="Files">All files that contain them.</param>
/// <param name="Tensors">The weights by name.</param>
internal sealed record PartWeights(string Origin, IReadOnlyList<string> Files, IReadOnlyDictionary<string, StoredWeight> Tensors)
{
    /// <summary>Maps a weight's name to its name in the file.</summary>
    public Func<string, string> NameInFile { get; init; } = name => name;

    /// <summary>Tensors of this part without a diffusers name: the file has another type than it seemed.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Rejects a part that has tensors without a diffusers name.</summary>
    /// <exception cref="InvalidInputException">There are such tensors.</exception>
    public void RequireKnown()
    {
        if (Unknown.Count > 0)
        {
            throw new InvalidInputException(
                $"{Origin} contains {Unknown.Count} tensor(s) that its type of model does not have, first \"{Unknown[0]}\". It cannot be used.");
        }
    }
}
