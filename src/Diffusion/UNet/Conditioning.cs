using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>What a U-Net is told of each row beside its latents and timestep.</summary>
/// <param name="Text">Hidden states of the text encoders, [rows, tokens, cross-attention width]; cross-attention reads them.</param>
/// <param name="Vector">
/// The text as a whole and the picture's sizes, [rows, width], which join the timestep (Podell et al., arXiv 2307.01952, §2.2);
/// null for models that take none.
/// </param>
public sealed record Conditioning(Tensor Text, Tensor? Vector = null) : IDisposable
{
    /// <summary>Guidance as an input, for models that were distilled to take it (<see cref="UNetConfig.GuidanceWidth"/>); others do not look at it.</summary>
    public double? Guidance { get; init; }

    /// <summary>Some of the rows.</summary>
    public Conditioning Narrow(long first, long count) => Map(tensor => tensor.narrow(0, first, count));

    /// <summary>One row, as many times as there are to be rows.</summary>
    public Conditioning Expand(long rows) => this with { Text = Text.expand(rows, -1, -1), Vector = Vector?.expand(rows, -1) };

    /// <summary>The row of a step, where the text is one for each step of a run; else the only row.</summary>
    public Conditioning At(int step) => Text.shape[0] == 1 ? this : this with { Text = Text.narrow(0, step, 1) };

    /// <summary>These rows, then others.</summary>
    public Conditioning Join(Conditioning others) =>
        this with { Text = cat([Text, others.Text], 0), Vector = Vector is null ? null : cat([Vector, others.Vector!], 0) };

    /// <summary>The same in another type or elsewhere.</summary>
    public Conditioning To(ScalarType type, Device device) => Map(tensor => tensor.to(type, device));

    /// <summary>A copy that no scope disposes.</summary>
    public Conditioning Own() => Map(tensor => tensor.contiguous().clone().DetachFromDisposeScope());

    /// <summary>The same numbers, in tensors of their own that no scope disposes; the memory goes with the last of both.</summary>
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
