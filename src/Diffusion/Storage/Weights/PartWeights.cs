namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>The weights of one part of a model, under the diffusers names.</summary>
/// <param name="Origin">What errors call the file.</param>
/// <param name="Files">Every file they lie in.</param>
/// <param name="Tensors">The weights by name.</param>
internal sealed record PartWeights(string Origin, IReadOnlyList<string> Files, IReadOnlyDictionary<string, StoredWeight> Tensors)
{
    /// <summary>What the file calls a weight.</summary>
    public Func<string, string> NameInFile { get; init; } = name => name;

    /// <summary>Tensors of this part that have no diffusers name: the file is of another kind than it seemed.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Refuses a part with tensors that have no diffusers name.</summary>
    /// <exception cref="InvalidInputException">There are some.</exception>
    public void RequireKnown()
    {
        if (Unknown.Count > 0)
        {
            throw new InvalidInputException(
                $"{Origin} holds {Unknown.Count} tensor(s) that its kind of model does not have, first \"{Unknown[0]}\"; it cannot be used.");
        }
    }
}
