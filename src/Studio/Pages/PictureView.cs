using System.Globalization;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Addresses of pictures for the page, which shows photographs reduced, and the places of the layers over them.</summary>
internal static class PictureView
{
    private const int Shown = 2048;
    private const int Small = 512;
    private const int Thumbnail = 224;

    /// <summary>For the stage.</summary>
    public static string Address(string picture) => Reduced(picture, Shown);

    /// <summary>The whole picture, for a closer look; null if the stage shows it.</summary>
    public static string? WholeAddress(PictureVersion version) => Math.Max(version.Facts.Width, version.Facts.Height) > Shown ? $"/api/pictures/{version.Picture}.png" : null;

    /// <summary>For a dialog.</summary>
    public static string SmallAddress(string picture) => Reduced(picture, Small);

    /// <summary>For the strip.</summary>
    public static string ThumbnailAddress(string picture) => Reduced(picture, Thumbnail);

    /// <summary>The style of an attention map, which covers the part of the picture that the model sees; null for all of it.</summary>
    public static string? PlaceOfMap(PictureVersion? version) => version?.Facts.Seen is not { } seen ? null : string.Create(
        CultureInfo.InvariantCulture, $"left:{seen.X:P4};top:{seen.Y:P4};width:{seen.Width:P4};height:{seen.Height:P4} !important").Replace(" %", "%", StringComparison.Ordinal);

    /// <summary>The style of the mask, which an edit has of the same part, and an inpainted picture of all of it.</summary>
    public static string? PlaceOfMask(PictureVersion? version) => version?.Recipe is EditedRecipe ? PlaceOfMap(version) : null;

    private static string Reduced(string picture, int side) => $"/api/pictures/{picture}.png?side={side}";
}
