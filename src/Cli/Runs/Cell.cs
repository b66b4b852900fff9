using System.CommandLine;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>A cell of a grid.</summary>
/// <param name="Row">Its row, from 0.</param>
/// <param name="Column">Its column, from 0.</param>
/// <param name="Options">Its command line: the options of the grid with the values of its axes.</param>
/// <param name="Request">Its source and its edit.</param>
/// <param name="Choice">Its methods.</param>
internal sealed record Cell(int Row, int Column, ParseResult Options, ImageRequest Request, MethodChoice Choice)
{
    /// <summary>The inversion of a given image.</summary>
    public InversionMethod Inversion => Choice.InversionFor(Request.Edit.Method);

    /// <summary>The given image as it was inverted for this cell; null for a source from noise.</summary>
    public RealImage? Real { get; init; }

    /// <summary>Name of its file.</summary>
    public string Name => $"row-{Row + 1}-column-{Column + 1}.png";
}

/// <summary>A cell that could not be made.</summary>
internal sealed record FailedCell(Cell Cell, Exception Problem);

/// <summary>An image of a grid: that of a cell or of a source.</summary>
/// <param name="Name">Name of its file.</param>
/// <param name="Cell">The cell; null for a source.</param>
/// <param name="Request">The request with which it was made.</param>
/// <param name="Result">The pass with this image alone. A given image needs none of its own: it has that of the first cell.</param>
internal sealed record MadeImage(string Name, Cell? Cell, ImageRequest Request, EditResult Result)
{
    /// <summary>The image in the table; null until it is written.</summary>
    public Image? Shown { get; set; }
}
