using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>The effect of calling a name in a pickle.</summary>
internal enum PickleRole
{
    /// <summary>The name may be mentioned but not called.</summary>
    Name,

    /// <summary>The call is ignored and its arguments are dropped.</summary>
    Nothing,

    /// <summary>An empty dictionary, or one from a list of pairs.</summary>
    Dictionary,

    /// <summary>A set, stored as a list.</summary>
    Set,

    /// <summary>A tensor on a storage.</summary>
    Tensor,

    /// <summary>Its first argument.</summary>
    First,

    /// <summary>The type of a storage.</summary>
    Storage,
}

/// <summary>
/// A name that a pickle may use. All names outside this table are rejected, and none of them executes code from the file.
/// </summary>
internal sealed record PickleGlobal(string FullName, PickleRole Role, ScalarType Type = default, int ElementSize = 0)
{
    private static readonly Dictionary<string, PickleGlobal> Known = new PickleGlobal[]
    {
        new("collections.OrderedDict", PickleRole.Dictionary),
        new("builtins.set", PickleRole.Set),
        new("__builtin__.set", PickleRole.Set),
        new("torch._utils._rebuild_tensor_v2", PickleRole.Tensor),
        new("torch._utils._rebuild_parameter", PickleRole.First),
        new("torch.Size", PickleRole.First),
        new("torch.DoubleStorage", PickleRole.Storage, ScalarType.Float64, 8),
        new("torch.FloatStorage", PickleRole.Storage, ScalarType.Float32, 4),
        new("torch.HalfStorage", PickleRole.Storage, ScalarType.Float16, 2),
        new("torch.BFloat16Storage", PickleRole.Storage, ScalarType.BFloat16, 2),
        new("torch.LongStorage", PickleRole.Storage, ScalarType.Int64, 8),
        new("torch.IntStorage", PickleRole.Storage, ScalarType.Int32, 4),
        new("torch.ShortStorage", PickleRole.Storage, ScalarType.Int16, 2),
        new("torch.CharStorage", PickleRole.Storage, ScalarType.Int8, 1),
        new("torch.ByteStorage", PickleRole.Storage, ScalarType.Byte, 1),
        new("torch.device", PickleRole.Nothing),
        // Values stored by training: losses and learning rates.
        new("numpy.core.multiarray.scalar", PickleRole.Nothing),
        new("numpy._core.multiarray.scalar", PickleRole.Nothing),
        new("numpy.dtype", PickleRole.Nothing),
        new("_codecs.encode", PickleRole.Nothing),
        // A key in the published checkpoints of Stable Diffusion 1, under which they store their file name.
        new("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", PickleRole.Name),
    }.ToDictionary(known => known.FullName, StringComparer.Ordinal);

    /// <summary>Finds a name of a module; null if it is not allowed.</summary>
    public static PickleGlobal? Find(string module, string name) => Known.GetValueOrDefault($"{module}.{name}");
}
