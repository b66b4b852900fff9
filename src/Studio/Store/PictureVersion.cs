using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>A picture of a project: a node of its tree.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of its project.</param>
/// <param name="Parent">Id of the version it was made from; null for one that began with a prompt or a given picture.</param>
/// <param name="Number">Which of the project's versions it is, counted from 1.</param>
/// <param name="Recipe">What decides it.</param>
/// <param name="Picture">The picture, by the name it is stored under.</param>
/// <param name="Facts">What was found while it was made.</param>
/// <param name="Created">When it was made.</param>
public sealed record PictureVersion(
    string Id, string Project, string? Parent, int Number, Recipe Recipe, string Picture, VersionFacts Facts, DateTimeOffset Created);

/// <summary>What was found while a picture was made.</summary>
public sealed record VersionFacts
{
    /// <summary>Time the run took.</summary>
    public double Seconds { get; init; }

    /// <summary>Width of the picture in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height of the picture in pixels.</summary>
    public int Height { get; init; }

    /// <summary>Of what came from a given picture: width of that one, in which the picture can be had as well; null where there is no such size.</summary>
    public int? OwnWidth { get; init; }

    /// <summary>The same for the height.</summary>
    public int? OwnHeight { get; init; }

    /// <summary>The place the edit was confined to, as a stored picture; null where it was not.</summary>
    public string? Mask { get; init; }

    /// <summary>Of a given picture: how well the model brings it back, in decibels; null where it is exact.</summary>
    public double? Psnr { get; init; }

    /// <summary>The same for the autoencoder alone: no inversion can do better.</summary>
    public double? PsnrOfAutoencoder { get; init; }

    /// <summary>The last loss of each optimised step.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];
}

/// <summary>A tree of versions.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Created">When it was begun.</param>
/// <param name="Versions">How many versions it has.</param>
public sealed record Project(string Id, string Name, DateTimeOffset Created, int Versions);
