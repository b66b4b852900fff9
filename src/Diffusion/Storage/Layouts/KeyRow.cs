namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>How the tensor of an original name becomes the one of a diffusers name.</summary>
internal enum KeyForm
{
    /// <summary>As it is.</summary>
    Same,

    /// <summary>The original stores a linear map as a 1×1 convolution: [outputs, inputs, 1, 1].</summary>
    Kernel,

    /// <summary>The original stores queries, keys and values one below the other; each is a third of the rows.</summary>
    Third,

    /// <summary>The original stores a matrix the other way round.</summary>
    Transposed,
}

/// <summary>One line of the table of names: where a tensor, or everything below a dotted name, stands in each of the two layouts.</summary>
/// <param name="Original">Name in a single file.</param>
/// <param name="Diffusers">Name in a part of a model directory.</param>
/// <param name="Form">What differs between the two tensors.</param>
/// <param name="Third">Which third, 0 to 2, for <see cref="KeyForm.Third"/>.</param>
internal sealed record KeyRow(string Original, string Diffusers, KeyForm Form = KeyForm.Same, int Third = 0);
