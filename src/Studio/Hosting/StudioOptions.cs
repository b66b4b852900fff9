using System.Net;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>How the studio is served.</summary>
public sealed record StudioOptions
{
    /// <summary>Address to listen at.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen at; 0 for any that is free.</summary>
    public int Port { get; init; } = 5272;

    /// <summary>What a visitor has to know; null lets everybody in who reaches the address.</summary>
    public string? Token { get; init; }

    /// <summary>Folder of the store.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The models, at least one; the first is the usual one.</summary>
    public required IReadOnlyList<OfferedModel> Models { get; init; }

    /// <summary>What the engine takes on.</summary>
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Denoising steps of new pictures, as long as nobody says otherwise.</summary>
    public int DefaultSteps { get; init; } = 30;

    /// <summary>Longest picture file that is taken, in bytes.</summary>
    public long MaxUploadBytes { get; init; } = 20L << 20;

    /// <summary>Largest picture that is taken, in pixels.</summary>
    public long MaxUploadPixels { get; init; } = 40L << 20;

    /// <summary>Draws pictures with captions side by side, as PNG.</summary>
    public required Func<IReadOnlyList<(Picture Picture, string Caption)>, byte[]> DrawGrid { get; init; }
}
