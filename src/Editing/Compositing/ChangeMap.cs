using PromptToPrompt.Diffusion.Images;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Compositing;

/// <summary>
/// Where an edit changes its source. Both images are the model's, so the loss of the autoencoder cancels out. As in DiffEdit (Couairon et al.,
/// arXiv 2210.11427), thresholds are relative to the strongest change: an edit also drifts in places that its words do not mean.
/// </summary>
internal static class ChangeMap
{
    // Shares of the strongest change; the highest hundredth is left out.
    private const double Strongest = 0.99;
    private const double Unchanged = 0.15;
    private const double Changed = 0.35;

    // libtorch's quantile refuses larger tensors.
    private const long MaxQuantileElements = 1 << 24;

    // In bytes: smaller changes are invisible, however weak the strongest is.
    private const double MinUnchanged = 4;
    private const double MinChanged = 12;

    /// <summary>Computes the map, [height, width] float32: 1 where the edit replaces its source, 0 where nothing changes, soft edges between.</summary>
    /// <param name="edited">The edit, at the model's size.</param>
    /// <param name="source">Its source, at the same size.</param>
    /// <param name="perLatent">Pixels per latent position: the scale on which the model decides.</param>
    public static Tensor Of(Image edited, Image source, int perLatent)
    {
        using var scope = NewDisposeScope();
        var difference = edited.ToTensor().to(ScalarType.Float32).sub(source.ToTensor()).abs().amax([2]);
        // The root mean square of a neighborhood: single pixels are neither a change nor a gap in one.
        var strength = Neighborhood.Mean(difference * difference, perLatent / 2).sqrt();
        var strongest = Quantile(strength, Strongest, MaxQuantileElements);
        var (low, high) = (Math.Max(MinUnchanged, Unchanged * strongest), Math.Max(MinChanged, Changed * strongest));
        var changed = strength.sub(Scalar(low)).div(Scalar(high - low)).clamp(Scalar(0), Scalar(1));
        // Closing fills holes, in which details of the original would show through the edit. The soft edge lies outside the change.
        var edge = Math.Max(1, perLatent / 2);
        var grown = Neighborhood.Min(Neighborhood.Max(changed, perLatent + edge), perLatent);
        return Neighborhood.Ease(Neighborhood.Mean(Neighborhood.Mean(grown, edge / 2), edge - (edge / 2))).MoveToOuterDisposeScope();
    }

    /// <summary>The value that a share of a tensor's elements does not exceed, interpolated between two elements.</summary>
    /// <param name="values">The tensor.</param>
    /// <param name="share">The share, 0 to 1.</param>
    /// <param name="maxElements">Number of elements up to which libtorch computes it.</param>
    internal static double Quantile(Tensor values, double share, long maxElements)
    {
        using var scope = NewDisposeScope();
        if (values.numel() <= maxElements)
            return quantile(values, tensor((float)share, device: CPU)).ReadDouble();
        var place = share * (values.numel() - 1);
        double below = At(Math.Floor(place)), above = At(Math.Ceiling(place));
        return below + ((place - Math.Floor(place)) * (above - below));

        double At(double index) => kthvalue(values.flatten(), (long)index + 1, 0).values.ReadDouble();
    }
}
