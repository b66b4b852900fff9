using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>
/// Writes a model directory of any architecture with random weights. Its images are noise, but it has the names, shapes, time and memory of
/// a trained model.
/// </summary>
internal static class RandomModel
{
    /// <summary>
    /// Writes everything except the tokenizer, which must already be in <c>tokenizer/</c>; that of a second text encoder is derived from
    /// it. Only one tensor is in memory at a time.
    /// </summary>
    /// <param name="directory">The directory; created if it does not exist.</param>
    /// <param name="shape">The model's config.</param>
    /// <param name="dtype">Type of the stored weights.</param>
    /// <param name="seed">Seed of the weights; each part draws from its own generator.</param>
    /// <param name="cancellationToken">Checked before each tensor.</param>
    /// <exception cref="InvalidInputException">The directory cannot be written.</exception>
    public static void Write(string directory, ModelConfig shape, ScalarType dtype, ulong seed, CancellationToken cancellationToken = default)
    {
        var files = new ModelDirectoryWriter(directory);
        foreach (var part in ModelParts.Configured(shape))
            files.WriteConfig(part, ModelParts.Config(part, shape));
        foreach (var part in ModelParts.Of(shape))
        {
            using var generator = new Generator(seed, CPU);
            files.WriteWeights(part, ModelParts.Plan(part, shape).Select(request => new PendingTensor(request.Name, dtype, request.Shape, () =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                return Draw(request, dtype, generator);
            })));
        }

        foreach (var (tokenizer, name) in TokenizerFolder.Shared(new(Path.Combine(directory, TokenizerFolder.Name)), shape.TextEncoders.Count).Zip(TokenizerFolder.Names).Skip(1))
            tokenizer.CopyTo(files.MakeFolder(name));
        files.WriteIndex(shape);
    }

    private static Tensor Draw(WeightRequest request, ScalarType dtype, Generator generator)
    {
        using var initial = new InitialWeights(generator);
        return initial.Take(request.Name, request.Init, request.FanIn, [.. request.Shape]).to(dtype, copy: true);
    }
}
