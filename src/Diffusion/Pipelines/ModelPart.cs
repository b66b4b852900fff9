using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Models;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Pipelines;

/// <summary>A part of a model, loaded on demand and reloaded after each release.</summary>
/// <param name="device">Device of the weights.</param>
/// <param name="open">Opens the model's files.</param>
/// <param name="build">Builds the part on a device and adds the owners of its weights to the list.</param>
internal sealed class ModelPart<T>(Device device, Func<ModelFiles> open, Func<ModelFiles, Device, List<IDisposable>, T> build) : IModelPart
    where T : class
{
    private readonly List<IDisposable> weights = [];
    private T? part;

    /// <summary>The part; loads its weights if they are not in memory.</summary>
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
    /// <param name="files">The open files of the model.</param>
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

    /// <summary>Checks that the part can be loaded, without reading any weights.</summary>
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

/// <summary>A part of a model whose memory can be released.</summary>
internal interface IModelPart
{
    /// <summary>Releases the weights if they are in memory.</summary>
    void Release();
}
