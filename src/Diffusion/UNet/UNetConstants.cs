using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// Values that the evaluations of a run share, because they do not depend on the latents: the text's keys and values of each cross-attention layer, and
/// the projection of the timestep embedding of each residual block. Each is computed when it is first needed.
/// </summary>
/// <remarks>For one U-Net and one thread. No gradient flows through these values.</remarks>
internal sealed class UNetConstants : IDisposable
{
    // The projections of this many steps are computed by one product. The blocks begin at multiples of it, so that a run that starts at a later step
    // computes the same numbers.
    private const int BlockSteps = 64;

    private readonly IReadOnlyList<long> timesteps;
    private readonly Dictionary<AttentionSite, (Tensor Key, Tensor Value)> keysAndValues = [];
    private readonly Dictionary<ResnetBlock2D, Tensor> biases = new(ReferenceEqualityComparer.Instance);
    private Tensor? text;
    private Tensor? vector;
    private Tensor? embeddings;
    private int firstStep;

    /// <summary>Constants of a run.</summary>
    /// <param name="timesteps">Timestep of each of its steps.</param>
    public UNetConstants(IReadOnlyList<long> timesteps) => this.timesteps = timesteps;

    /// <summary>Constants of evaluations at one step.</summary>
    /// <param name="step">Index of the step.</param>
    /// <param name="embedding">Its activated embedding, [rows or 1, width].</param>
    public UNetConstants(int step, Tensor embedding)
        : this([])
    {
        firstStep = step;
        embeddings = embedding.unsqueeze(0).DetachFromDisposeScope();
    }

    /// <summary>Whether the text changes from step to step; its keys and values are then not kept.</summary>
    public bool TextChanges { get; init; }

    /// <summary>A layer's keys and values of a text, each [rows, heads, tokens, width]: the same tensors as long as the text is the same tensor.</summary>
    /// <param name="site">The layer.</param>
    /// <param name="context">The text, [rows, tokens, width].</param>
    /// <param name="project">Computes them.</param>
    public (Tensor Key, Tensor Value) KeyAndValue(AttentionSite site, Tensor context, Func<Tensor, (Tensor Key, Tensor Value)> project)
    {
        if (TextChanges || context.requires_grad)
            return project(context);
        if (!ReferenceEquals(context, text))
        {
            ForgetText();
            text = context;
        }

        if (keysAndValues.TryGetValue(site, out var found))
            return found;
        using var scope = NewDisposeScope();
        var (key, value) = project(context);
        return keysAndValues[site] = (key.contiguous().DetachFromDisposeScope(), value.contiguous().DetachFromDisposeScope());
    }

    /// <summary>Prepares a step: a no-op if the embeddings of its block are there.</summary>
    /// <param name="step">Index of the step.</param>
    /// <param name="added">Added conditioning of the rows; null for models without it.</param>
    /// <param name="embed">Computes the activated embeddings of timesteps, [timesteps, rows or 1, width].</param>
    public void Prepare(int step, Tensor? added, Func<IReadOnlyList<long>, Tensor> embed)
    {
        var first = step / BlockSteps * BlockSteps;
        if (embeddings is not null && first == firstStep && ReferenceEquals(added, vector))
            return;
        ForgetEmbeddings();
        (firstStep, vector) = (first, added);
        embeddings = embed([.. timesteps.Skip(first).Take(BlockSteps)]).DetachFromDisposeScope();
    }

    /// <summary>The bias of a residual block's first convolution at a step (<see cref="ResnetBlock2D.Bias"/>): [outputs] for all rows, or [rows, outputs].</summary>
    /// <param name="block">The block.</param>
    /// <param name="step">Index of the step.</param>
    /// <param name="project">Computes it from embeddings, [..., width] → [..., outputs].</param>
    public Tensor Bias(ResnetBlock2D block, int step, Func<Tensor, Tensor> project)
    {
        if (!biases.TryGetValue(block, out var all))
        {
            using var guard = no_grad();
            using var scope = NewDisposeScope();
            var projected = project(embeddings ?? throw new ObjectDisposedException(nameof(UNetConstants)));
            biases[block] = all = (projected.shape[1] == 1 ? projected.squeeze(1) : projected).DetachFromDisposeScope();
        }

        return all.select(0, step - firstStep);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ForgetEmbeddings();
        ForgetText();
    }

    private void ForgetText()
    {
        Clear(keysAndValues.Values.SelectMany(pair => new[] { pair.Key, pair.Value }));
        keysAndValues.Clear();
    }

    private void ForgetEmbeddings()
    {
        embeddings?.Dispose();
        embeddings = null;
        Clear(biases.Values);
        biases.Clear();
    }

    private static void Clear(IEnumerable<Tensor> tensors)
    {
        foreach (var tensor in tensors)
            tensor.Dispose();
    }
}
