using System.Globalization;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Storybook.Training;

/// <summary>A line of the log of an autoencoder's fidelity on held-out drawings.</summary>
/// <param name="Images">Number of images of the training so far.</param>
/// <param name="Fidelity">The fidelity.</param>
internal sealed record HeldOutLog(long Images, ReconstructionFidelity Fidelity)
{
    /// <summary>The line: number of images, PSNR in dB, gradients and edges.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Images},{Fidelity.Psnr:F3},{Fidelity.Gradients:F4},{Fidelity.Edges:F4}");

    /// <summary>Reads a log.</summary>
    /// <exception cref="InvalidInputException">A line is damaged.</exception>
    public static IReadOnlyList<HeldOutLog> Read(string path) => [.. File.ReadLines(path).Select(line =>
    {
        try
        {
            var numbers = line.Split(',').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToList();
            return new HeldOutLog((long)numbers[0], new(numbers[1], numbers[2], numbers[3]));
        }
        catch (Exception error) when (error is FormatException or ArgumentOutOfRangeException)
        {
            throw new InvalidInputException($"{path}: \"{line}\" is not four numbers. Delete the line.", error);
        }
    })];
}
