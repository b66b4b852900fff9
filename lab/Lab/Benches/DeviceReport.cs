using System.Globalization;
using System.Text.Json.Nodes;
using TorchSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The figures of <see cref="DeviceBench"/>, with a verdict.</summary>
/// <param name="device">The device.</param>
/// <param name="model">The model.</param>
/// <param name="measured">The measurements.</param>
/// <param name="tolerance">Maximum error in float32.</param>
internal sealed class DeviceReport(string device, string model, DeviceMeasurements measured, double tolerance)
{
    /// <summary>The problem with the device's results, in one line; null if there is none.</summary>
    public string? Failure
    {
        get
        {
            if (measured.Reference.Problem is { } problem)
                return $"The edit on the CPU failed: {problem}";
            if (measured.Compared.FirstOrDefault(compared => compared.Run.Problem is not null) is { } failed)
                return $"The edit in {Name(failed.Type)} failed: {failed.Run.Problem}";
            var exact = measured.Compared.Single(compared => compared.Type == torch.ScalarType.Float32).Run.ErrorAgainst(measured.Reference)!.Value;
            return exact <= tolerance ? null
                : string.Create(CultureInfo.InvariantCulture, $"In float32 {device} differs from the CPU by {exact:E1} of the largest latent; {tolerance:E0} is allowed.");
        }
    }

    public JsonObject ToJson() => new()
    {
        ["device"] = device,
        ["model"] = model,
        ["failure"] = Failure,
        ["referenceSeconds"] = Figures.Rounded(measured.Reference.Seconds),
        ["types"] = new JsonArray([.. measured.Compared.Select(compared => new JsonObject
        {
            ["dtype"] = Name(compared.Type),
            ["latentError"] = compared.Run.ErrorAgainst(measured.Reference),
            ["pictureError"] = Figures.Rounded(compared.Run.ImageErrorAgainst(measured.Reference)),
            ["problem"] = compared.Run.Problem,
        })]),
        ["edits"] = new JsonArray([.. measured.Timed.Select(timed => new JsonObject
        {
            ["dtype"] = Name(timed.Type),
            ["side"] = timed.Side,
            ["steps"] = timed.Steps,
            ["seconds"] = Figures.Rounded(timed.Run.Seconds),
            ["heldMemory"] = timed.Run.HeldMemory,
            ["problem"] = timed.Run.Problem,
        })]),
    };

    public string Text() => string.Join('\n',
    [
        $"{device}, {model}",
        "compared with float32 on the CPU        largest latent error   mean byte error",
        .. measured.Compared.Select(compared => compared.Run.Problem is { } problem ? $"  {Name(compared.Type),-36}  {problem}"
            : $"  {Name(compared.Type),-36}  {Figures.Shown(compared.Run.ErrorAgainst(measured.Reference), "E1"),20}  {Figures.Shown(compared.Run.ImageErrorAgainst(measured.Reference), "F2"),16}"),
        "a source and an edit in one batch                    seconds    GB held after it",
        .. measured.Timed.Select(timed => $"  {$"{Name(timed.Type)}, {timed.Side}x{timed.Side}, {timed.Steps} steps",-36}  "
            + (timed.Run.Problem ?? $"{Figures.Shown(timed.Run.Seconds, "F2"),20}  {Figures.Shown(timed.Run.HeldMemory / 1e9, "F1"),18}")),
    ]);

    private static string Name(torch.ScalarType type) => type.ToString().ToLowerInvariant();
}
