using System.Text.Json.Serialization;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>A picture of a project and a node of its tree.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of its project.</param>
/// <param name="Parent">Id of the version it was made from; null for a root.</param>
/// <param name="Number">Number within the project, from 1.</param>
/// <param name="Recipe">Its recipe.</param>
/// <param name="Picture">Store name of the picture.</param>
/// <param name="Facts">Facts about the run.</param>
/// <param name="Created">When it was made.</param>
public sealed record PictureVersion(
    string Id, string Project, string? Parent, int Number, Recipe Recipe, string Picture, VersionFacts Facts, DateTimeOffset Created)
{
    /// <summary>Its name; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>Whether it is a favorite.</summary>
    public bool IsFavorite { get; init; }
}

/// <summary>Facts about the run that made a picture.</summary>
/// <remarks>Stores of earlier versions have further ones.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record VersionFacts
{
    /// <summary>Duration of the run in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>Width of the picture in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height of the picture in pixels.</summary>
    public int Height { get; init; }

    /// <summary>
    /// Store name of the model's own image, at the model's size, if the picture began with an uploaded one: then it has that one's size and pixels wherever
    /// nothing changed. Null if the picture is the model's own image.
    /// </summary>
    public string? Output { get; init; }

    /// <summary>The part of such a picture that the model sees; null for all of it.</summary>
    public SeenPart? Seen { get; init; }

    /// <summary>Store name of the region the edit was confined to, or null.</summary>
    public string? Mask { get; init; }

    /// <summary>PSNR of an inverted picture's reconstruction in decibels; null if it is exact.</summary>
    public double? Psnr { get; init; }

    /// <summary>PSNR of the autoencoder alone, the upper bound.</summary>
    public double? PsnrOfAutoencoder { get; init; }

    /// <summary>The last loss of each optimized step.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];
}

/// <summary>A tree of versions.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Created">When it was created.</param>
/// <param name="Versions">Number of versions.</param>
public sealed record Project(string Id, string Name, DateTimeOffset Created, int Versions);
