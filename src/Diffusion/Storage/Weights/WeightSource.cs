using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// Where a model's weights come from. Models ask for each weight by its checkpoint name and shape while they are built,
/// so that loading, training from nothing and checking a manifest all run through the same model code.
/// </summary>
internal abstract class WeightSource : IDisposable
{
    /// <summary>The root of the source's names.</summary>
    public WeightScope Root => new(this, "");

    /// <summary>Whether a weight of this name exists; lets a model choose between the names that different writers use.</summary>
    public abstract bool Has(string name);

    /// <summary>Number of dimensions of the stored weight of this name, which differs between writers; 0 where nothing is stored.</summary>
    public abstract int Rank(string name);

    /// <summary>Returns the weight; the source owns the tensor and frees it when it is disposed.</summary>
    /// <param name="name">Full checkpoint name.</param>
    /// <param name="init">How it starts when the source creates weights.</param>
    /// <param name="fanIn">Inputs that one output sums over; used by <see cref="WeightInit.FanIn"/>.</param>
    /// <param name="shape">Shape the model needs.</param>
    /// <exception cref="InvalidInputException">The weight is missing or has another shape.</exception>
    public abstract Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape);

    /// <summary>
    /// Keeps a tensor that a layer derives from its weights, so that it is derived once; the source frees it with them. Null where the weights may
    /// still change: then it has to be derived at each use.
    /// </summary>
    /// <param name="derive">Makes a tensor of its own from weights that this source returned.</param>
    public virtual Tensor? Keep(Func<Tensor> derive) => null;

    /// <inheritdoc/>
    public abstract void Dispose();
}
