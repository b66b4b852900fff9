namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The conversion from a tensor in the original layout to one in the diffusers layout.</summary>
internal enum KeyForm
{
    /// <summary>No change.</summary>
    Same,

    /// <summary>The original stores a linear map as a 1×1 convolution: [outputs, inputs, 1, 1].</summary>
    Kernel,

    /// <summary>The original concatenates queries, keys and values; each is a third of the rows.</summary>
    Third,

    /// <summary>The original stores the transposed matrix.</summary>
    Transposed,
}

/// <summary>One row of the name table: a tensor, or everything below a dotted name, in both layouts.</summary>
/// <param name="Original">Name in a single file.</param>
/// <param name="Diffusers">Name in a part of a model directory.</param>
/// <param name="Form">The conversion between the two tensors.</param>
/// <param name="Third">Index of the third, 0 to 2, for <see cref="KeyForm.Third"/>.</param>
internal sealed record KeyRow(string Original, string Diffusers, KeyForm Form = KeyForm.Same, int Third = 0);
