using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Models;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>A part of a model, built from its files as often as it is wanted.</summary>
/// <param name="device">Where its weights go.</param>
/// <param name="open">Opens the model's files.</param>
/// <param name="build">Builds the part on a device, and adds what holds its weights to the list.</param>
internal sealed class ModelPart<T>(Device device, Func<ModelFiles> open, Func<ModelFiles, Device, List<IDisposable>, T> build) : IModelPart
    where T : class
{
    private readonly List<IDisposable> weights = [];
    private T? part;

    /// <summary>The part; its weights are read where they are not in memory.</summary>
    public T Value
    {
        get
        {
            if (part is null)
            {
                using var files = open();
                Load(files);
            }

            return part!;
        }
    }

    /// <summary>Reads the weights.</summary>
    /// <param name="files">The model's files, which are open already.</param>
    public void Load(ModelFiles files)
    {
        try
        {
            part = build(files, device, weights);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Refuses what loading would refuse, without reading a weight.</summary>
    public void Check(ModelFiles files)
    {
        var nothing = new List<IDisposable>();
        try
        {
            _ = build(files, META, nothing);
        }
        finally
        {
            nothing.ForEach(weight => weight.Dispose());
        }
    }

    /// <inheritdoc/>
    public void Release()
    {
        if (part is null && weights.Count == 0)
            return;
        part = null;
        weights.ForEach(weight => weight.Dispose());
        weights.Clear();
        FreedMemory.GiveBack();
    }
}

/// <summary>What can leave the memory.</summary>
internal interface IModelPart
{
    /// <summary>Lets go of the weights, where they are in memory.</summary>
    void Release();
}
