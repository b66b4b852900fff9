using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Settings;

/// <summary>The values that a setting takes.</summary>
internal enum SettingForm
{
    /// <summary>A number, or a range to draw from.</summary>
    Number,

    /// <summary>A whole number, or a range to draw from.</summary>
    WholeNumber,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>Any other text.</summary>
    Text,

    /// <summary>Numbers of words, <c>snow=1.5,hill=0..1</c>, each of which may be a range.</summary>
    Words,
}

/// <summary>The subject of a setting.</summary>
internal enum SettingSubject
{
    /// <summary>Sampling.</summary>
    Sampling,

    /// <summary>Attention and weights.</summary>
    Edit,

    /// <summary>The region that may change.</summary>
    Blend,

    /// <summary>The methods.</summary>
    Methods,

    /// <summary>Given images.</summary>
    Inversion,
}

/// <summary>A setting of an item or a run. Its value is text; a sample resolves the ranges in it to numbers.</summary>
/// <param name="Name">Its key in a plan.</param>
/// <param name="Subject">Its subject.</param>
/// <param name="Form">The values that it takes.</param>
/// <param name="Description">Its description, for help.</param>
/// <param name="Apply">Sets it to a value without ranges.</param>
internal sealed record BatchSetting(string Name, SettingSubject Subject, SettingForm Form, string Description, Func<SampleSettings, string, SampleSettings> Apply)
{
    /// <summary>Requires that every value that a sample may draw is valid.</summary>
    /// <exception cref="InvalidInputException">One is not.</exception>
    public void Check(string text)
    {
        foreach (var place in new[] { 0.0, 1.0 })
        {
            var settings = Apply(new SampleSettings(), Resolve(text, _ => place));
            settings.Sampling.Validate();
            settings.Edit.Validate();
        }
    }

    /// <summary>The value with a number drawn from each range.</summary>
    /// <param name="text">The value.</param>
    /// <param name="draw">Gives the place in a range, from 0 to 1, by name.</param>
    /// <exception cref="InvalidInputException">The value is invalid.</exception>
    public string Resolve(string text, Func<string, double> draw)
    {
        switch (Form)
        {
            case SettingForm.Number:
                return Written(NumberRange.Parse(text).At(draw(Name)));
            case SettingForm.WholeNumber:
                var range = NumberRange.Parse(text);
                InvalidInputException.Require(double.IsInteger(range.Min) && double.IsInteger(range.Max), $"\"{text}\" is not valid. Use whole numbers.");
                return Written(range.WholeAt(draw(Name)));
            case SettingForm.Flag:
                InvalidInputException.Require(bool.TryParse(text, out var flag), $"\"{text}\" is not valid. Use true or false.");
                return Flag(flag);
            case SettingForm.Words:
                return string.Join(',', text.Split(',').Select(word => ResolveWord(word, draw)));
            default:
                return text;
        }
    }

    /// <summary>The value of a flag.</summary>
    public static string Flag(bool value) => value ? "true" : "false";

    /// <summary>A resolved value as JSON.</summary>
    public JsonNode ToJson(string resolved) => Form switch
    {
        SettingForm.Number => double.Parse(resolved, CultureInfo.InvariantCulture),
        SettingForm.WholeNumber => (long)double.Parse(resolved, CultureInfo.InvariantCulture),
        SettingForm.Flag => bool.Parse(resolved),
        _ => resolved,
    };

    private string ResolveWord(string text, Func<string, double> draw)
    {
        var equals = text.LastIndexOf('=');
        InvalidInputException.Require(equals > 0, $"\"{text}\" is not valid. Write WORD=NUMBER or WORD=MIN..MAX, such as snow=0.5..2.");
        return $"{text[..equals].Trim()}={Written(NumberRange.Parse(text[(equals + 1)..]).At(draw($"{Name} {text[..equals].Trim()}")))}";
    }

    private static string Written(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
