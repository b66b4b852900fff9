using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// The source of a model's weights. Models request each weight by its checkpoint name and shape while they are built,
/// so that loading, training from scratch and checking a file all run through the same model code.
/// </summary>
internal abstract class WeightSource : IDisposable
{
    /// <summary>The root of the source's names.</summary>
    public WeightScope Root => new(this, "");

    /// <summary>Whether a weight with this name exists; lets a model choose between the names of different writers.</summary>
    public abstract bool Has(string name);

    /// <summary>Number of dimensions of the stored weight with this name, which differs between writers; 0 if nothing is stored.</summary>
    public abstract int Rank(string name);

    /// <summary>Returns the weight; the source owns the tensor and frees it when it is disposed.</summary>
    /// <param name="name">Full checkpoint name.</param>
    /// <param name="init">Initialization, for sources that create weights.</param>
    /// <param name="fanIn">Number of inputs per output; used by <see cref="WeightInit.FanIn"/>.</param>
    /// <param name="shape">The shape that the model needs.</param>
    /// <exception cref="InvalidInputException">The weight is missing or has another shape.</exception>
    public abstract Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape);

    /// <summary>Returns a matrix or a convolution kernel, whose type may be narrower than that of the arithmetic (<see cref="Common.Precision"/>).</summary>
    /// <inheritdoc cref="Take"/>
    public virtual Tensor TakeMatrix(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) => Take(name, init, fanIn, shape);

    /// <summary>
    /// Keeps a tensor that a layer derives from its weights, so that it is derived only once; it is freed with the source. Returns null if
    /// the weights may still change; the layer must then derive it at each use.
    /// </summary>
    /// <param name="derive">Creates a new tensor from weights that this source returned.</param>
    public virtual Tensor? Keep(Func<Tensor> derive) => null;

    /// <summary>
    /// Several matrices of one shape as a single one, along the first dimension, so that one product replaces several. Returns null if the weights may
    /// still change or would have to be copied; the layer must then take them one by one.
    /// </summary>
    /// <param name="names">Full checkpoint names.</param>
    /// <param name="shape">The shape of each.</param>
    /// <exception cref="InvalidInputException">A weight is missing or has another shape.</exception>
    public virtual Tensor? TakeStacked(IReadOnlyList<string> names, ReadOnlySpan<long> shape) => null;

    /// <inheritdoc/>
    public abstract void Dispose();
}
