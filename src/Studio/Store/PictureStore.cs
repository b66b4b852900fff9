using System.Security.Cryptography;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Studio.Store;

/// <summary>
/// Pictures and masks on disk. Each is stored once under the hash of its bytes and never changes, so browsers may cache it indefinitely.
/// </summary>
public sealed class PictureStore
{
    private readonly Database database;
    private readonly Housekeeping housekeeping;
    private readonly Deletions deletions;

    internal PictureStore(Database database, Housekeeping housekeeping, Deletions deletions) =>
        (this.database, this.housekeeping, this.deletions) = (database, housekeeping, deletions);

    /// <summary>Stores a picture and returns its name. It is removed after a day if nothing uses it.</summary>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public string Add(Image picture) => Add(picture.ToPng(), picture.Size);

    /// <summary>Stores a picture from a PNG file.</summary>
    /// <inheritdoc cref="Add(Image)"/>
    public string Add(byte[] png, PixelSize size)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(png))[..32];
        return housekeeping.Write(() => database.Change(open =>
        {
            open.Execute(
                "INSERT OR IGNORE INTO pictures (name, width, height, png) VALUES ($name, $width, $height, $png)",
                ("$name", name), ("$width", size.Width), ("$height", size.Height), ("$png", png));
            housekeeping.Keep(open, name);
            return name;
        }));
    }

    /// <summary>Whether a picture exists.</summary>
    public bool Has(string name) => database.Query("SELECT 1 FROM pictures WHERE name = $name", _ => true, ("$name", name)).Count > 0;

    /// <summary>Size of a picture.</summary>
    /// <exception cref="InvalidInputException">There is no such picture.</exception>
    public PixelSize SizeOf(string name) =>
        database.Query("SELECT width, height FROM pictures WHERE name = $name", row => new PixelSize(row.GetInt32(0), row.GetInt32(1)), ("$name", name)) is [var size] ? size
            : throw Missing(name);

    /// <summary>A picture as PNG, or null.</summary>
    public byte[]? FindPng(string name) => database.Query("SELECT png FROM pictures WHERE name = $name", row => row.GetFieldValue<byte[]>(0), ("$name", name)).SingleOrDefault();

    /// <summary>Reads a picture.</summary>
    /// <exception cref="InvalidInputException">There is no such picture.</exception>
    public Image Read(string name)
    {
        using var png = Open(name);
        return ImageReader.Read(png, name);
    }

    /// <summary>Reads a picture as a framing brings it to the model's size, without holding it whole.</summary>
    /// <exception cref="InvalidInputException">There is no such picture.</exception>
    internal Image ReadFramed(string name, Framing framing)
    {
        using var png = Open(name);
        using var file = ImageFile.Open(png, name);
        return file.Frame(framing);
    }

    /// <summary>Reads a picture, reduced if a side is longer than a limit.</summary>
    /// <exception cref="InvalidInputException">There is no such picture.</exception>
    internal Image ReadWithin(string name, int longestSide)
    {
        using var png = Open(name);
        using var file = ImageFile.Open(png, name);
        return file.ReadWithin(longestSide);
    }

    /// <summary>Reads a picture as a mask.</summary>
    /// <exception cref="InvalidInputException">There is no such picture, or it is not a valid mask; see <see cref="Mask"/>.</exception>
    public Image ReadMask(string name)
    {
        using var png = Open(name);
        using var file = ImageFile.Open(png, "The mask");
        return file.ReadMask();
    }

    /// <summary>Checks a picture as a mask, without holding its pixels.</summary>
    /// <inheritdoc cref="ReadMask"/>
    internal void CheckMask(string name)
    {
        using var png = Open(name);
        using var file = ImageFile.Open(png, "The mask");
        file.CheckMask();
    }

    private MemoryStream Open(string name) => new(FindPng(name) ?? throw Missing(name));

    private InvalidInputException Missing(string name) => new($"{deletions.Describe("picture", name)} Upload it first.");
}
