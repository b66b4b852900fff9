using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>The problems with the weights of one part. Names are those in the file.</summary>
/// <param name="Part">The part's directory name in a model directory.</param>
/// <param name="Missing">Tensors that the part needs but the file lacks.</param>
/// <param name="Extra">Tensors of the file that are unknown to the part.</param>
/// <param name="Misshapen">Tensors with a wrong shape.</param>
internal sealed record PartCheck(string Part, IReadOnlyList<string> Missing, IReadOnlyList<string> Extra, IReadOnlyList<MisshapenTensor> Misshapen)
{
    /// <summary>Tensors that are not floating-point numbers, as in a quantized model.</summary>
    public IReadOnlyList<string> Mistyped { get; init; } = [];

    /// <summary>Whether there are no problems.</summary>
    public bool IsSound => Missing.Count + Extra.Count + Misshapen.Count + Mistyped.Count == 0;
}

/// <summary>A tensor with a wrong shape.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Its shape, in the layout of a model directory.</param>
/// <param name="Wanted">The shape that the part needs.</param>
internal sealed record MisshapenTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<long> Wanted);

/// <summary>
/// Compares the content of a model on disk with the requirements of its configs or its family. Reads names and shapes, no weights.
/// </summary>
internal static class ModelCheck
{
    /// <summary>Checks every part. libtorch must be loaded.</summary>
    /// <param name="path">A model directory or a single file.</param>
    /// <param name="options">The load options.</param>
    /// <exception cref="InvalidInputException">The model cannot be opened: a file is missing or damaged, or its type is
    /// unknown.</exception>
    public static IReadOnlyList<PartCheck> Of(string path, ModelLoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        return [.. ModelParts.Of(files.Shape).Select(part => Check(part, files.Shape, files.Weights(part)))];
    }

    private static PartCheck Check(string part, ModelConfig shape, PartWeights weights)
    {
        var wanted = ModelParts.Plan(part, shape, weights.Tensors).ToDictionary(request => request.Name, request => request.Shape, StringComparer.Ordinal);
        return new PartCheck(
            part,
            Named(wanted.Keys.Where(name => !weights.Tensors.ContainsKey(name))),
            [.. Named(weights.Tensors.Keys.Where(name => !wanted.ContainsKey(name) && !ModelParts.MayIgnore(name))), .. weights.Unknown],
            [
                .. weights.Tensors
                    .Where(tensor => wanted.TryGetValue(tensor.Key, out var size) && !size.SequenceEqual(tensor.Value.Shape))
                    .Select(tensor => new MisshapenTensor(weights.NameInFile(tensor.Key), tensor.Value.Shape, wanted[tensor.Key]))
                    .OrderBy(tensor => tensor.Name, StringComparer.Ordinal),
            ])
        {
            Mistyped = Named(weights.Tensors.Where(tensor => wanted.ContainsKey(tensor.Key) && !tensor.Value.IsFloating).Select(tensor => tensor.Key)),
        };

        // Three diffusers names may share one name in the file.
        IReadOnlyList<string> Named(IEnumerable<string> names) => [.. names.Select(weights.NameInFile).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }
}
