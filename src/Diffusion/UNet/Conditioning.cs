using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>The conditioning of each row of a U-Net's batch, besides latents and timestep.</summary>
/// <param name="Text">Hidden states of the text encoders, [rows, tokens, cross-attention width], for cross-attention.</param>
/// <param name="Vector">
/// Added conditioning: pooled text and image sizes, [rows, width], added to the timestep embedding (Podell et al., arXiv 2307.01952, §2.2);
/// null for models without it.
/// </param>
internal sealed record Conditioning(Tensor Text, Tensor? Vector = null) : IDisposable
{
    /// <summary>Guidance of each row as an input, for models that were distilled to take it (<see cref="UNetConfig.GuidanceWidth"/>); others ignore it.</summary>
    public IReadOnlyList<double>? Guidance { get; init; }

    /// <summary>A range of the rows.</summary>
    public Conditioning Narrow(long first, long count) =>
        Map(tensor => tensor.narrow(0, first, count)) with { Guidance = Guidance is null ? null : [.. Guidance.Skip((int)first).Take((int)count)] };

    /// <summary>A single row, repeated. Only texts are repeated, before they have a guidance.</summary>
    public Conditioning Expand(long rows) => this with { Text = Text.expand(rows, -1, -1), Vector = Vector?.expand(rows, -1) };

    /// <summary>The row of a step if there is one text per step; otherwise the only row.</summary>
    public Conditioning At(int step) => Text.shape[0] == 1 ? this : this with { Text = Text.narrow(0, step, 1) };

    /// <summary>Concatenates these rows and others.</summary>
    public Conditioning Join(Conditioning others) =>
        this with { Text = cat([Text, others.Text], 0), Vector = Vector is null ? null : cat([Vector, others.Vector!], 0) };

    /// <summary>Converts to another type or device.</summary>
    public Conditioning To(ScalarType type, Device device) => Map(tensor => tensor.to(type, device));

    /// <summary>A copy outside all dispose scopes.</summary>
    public Conditioning Own() => Map(tensor => tensor.contiguous().clone().DetachFromDisposeScope());

    /// <summary>Aliases of the tensors outside all dispose scopes; the memory is freed with the last alias.</summary>
    public Conditioning Share() => Map(tensor => tensor.alias().DetachFromDisposeScope());

    /// <summary>Takes the tensors out of their dispose scope.</summary>
    public Conditioning DetachFromDisposeScope() => Map(tensor => tensor.DetachFromDisposeScope());

    /// <summary>Moves the tensors out of the innermost dispose scope.</summary>
    public Conditioning MoveToOuterDisposeScope() => Map(tensor => tensor.MoveToOuterDisposeScope());

    /// <inheritdoc/>
    public void Dispose()
    {
        Text.Dispose();
        Vector?.Dispose();
    }

    private Conditioning Map(Func<Tensor, Tensor> map) => this with { Text = map(Text), Vector = Vector is null ? null : map(Vector) };
}
