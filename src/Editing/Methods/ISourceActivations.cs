using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>The kind of an activation of the source.</summary>
internal enum SourcePart
{
    /// <summary>Queries of an attention layer.</summary>
    Query,

    /// <summary>Keys of an attention layer.</summary>
    Key,

    /// <summary>Values of an attention layer.</summary>
    Value,

    /// <summary>Features of a residual block.</summary>
    Features,

    /// <summary>A region at the size of an attention layer.</summary>
    Region,
}

/// <summary>The place of an activation in the source's run.</summary>
/// <param name="Part">Its kind.</param>
/// <param name="Step">The evaluation.</param>
/// <param name="Site">Index of the layer among those of its kind.</param>
/// <param name="Conditional">Whether it is of the source's conditional row.</param>
internal readonly record struct ActivationPlace(SourcePart Part, int Step, int Site, bool Conditional);

/// <summary>Keeps activations of a source for edits that run later.</summary>
internal interface ISourceActivations
{
    /// <summary>Keeps a copy.</summary>
    void Put(ActivationPlace place, Tensor tensor);

    /// <summary>The activation that was kept, with the type and on the device of a tensor; null if it was not. The caller does not dispose it.</summary>
    Tensor? Find(ActivationPlace place, Tensor like);
}
