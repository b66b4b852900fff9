using MudBlazor;

namespace PromptToPrompt.Studio.Pages;

/// <summary>
/// The light and dark themes. All colors of the page come from here; its stylesheet gives them shorter names. Both are on the page from
/// the start, and an attribute of the root element selects one, so that switching needs no request and does not flash.
/// </summary>
internal static class StudioTheme
{
    private static readonly string[] Serif = ["Garamond", "EB Garamond", "Georgia", "serif"];
    private static readonly string[] Sans = ["Inter", "system-ui", "sans-serif"];

    private static readonly Inks Day = new(
        Paper: "#f5f1e8", Raised: "#fdfbf6", Sunk: "#ebe5d8", Ink: "#221f1a", Soft: "#6d665a", Line: "#dcd4c3", Border: "#877d66",
        Accent: "#bf3f24", OnAccent: "#fff8f2", New: "#0f6f61", Note: "#2b2721", OnNote: "#f5f1e8", Shade: "#140f0880");

    private static readonly Inks Night = new(
        Paper: "#191714", Raised: "#24211d", Sunk: "#12110f", Ink: "#f0eadd", Soft: "#a89f8f", Line: "#3a352d", Border: "#7c7261",
        Accent: "#f0714f", OnAccent: "#1d0d07", New: "#5cc4b2", Note: "#f0eadd", OnNote: "#191714", Shade: "#0a0806a6");

    public static MudTheme Light { get; } = Make(":root");

    public static MudTheme Dark { get; } = Make(":root[data-theme=dark]");

    private static MudTheme Make(string scope) => new()
    {
        PseudoCss = new() { Scope = scope },
        PaletteLight = Palette<PaletteLight>(Day),
        PaletteDark = Palette<PaletteDark>(Night),
        LayoutProperties = new() { DefaultBorderRadius = "8px" },
        Typography = new()
        {
            Default = Type<DefaultTypography>(Sans, 14),
            Body1 = Type<Body1Typography>(Sans, 14),
            Body2 = Type<Body2Typography>(Sans, 14),
            Subtitle1 = Type<Subtitle1Typography>(Sans, 14),
            Caption = Type<CaptionTypography>(Sans, 12),
            Button = Type<ButtonTypography>(Sans, 14, weight: 500),
            H6 = Type<H6Typography>(Serif, 28),
        },
    };

    private static T Palette<T>(Inks inks)
        where T : Palette, new() => new()
        {
            Background = inks.Paper,
            Surface = inks.Raised,
            BackgroundGray = inks.Sunk,
            TextPrimary = inks.Ink,
            TextSecondary = inks.Soft,
            TextDisabled = $"{inks.Ink}73",
            ActionDefault = inks.Soft,
            ActionDisabled = $"{inks.Ink}73",
            ActionDisabledBackground = $"{inks.Ink}14",
            LinesDefault = inks.Line,
            LinesInputs = inks.Border,
            Divider = inks.Line,
            Primary = inks.Accent,
            PrimaryContrastText = inks.OnAccent,
            Tertiary = inks.New,
            Error = inks.Accent,
            ErrorContrastText = inks.OnAccent,
            Dark = inks.Note,
            DarkContrastText = inks.OnNote,
            GrayDarker = inks.Note,
            OverlayDark = inks.Shade,
        };

    private static T Type<T>(string[] family, int pixels, int weight = 400)
        where T : BaseTypography, new() => new()
        {
            FontFamily = family,
            FontSize = $"{pixels}px",
            FontWeight = $"{weight}",
            LineHeight = pixels < 20 ? "1.5" : "1.15",
            LetterSpacing = "normal",
            TextTransform = "none",
        };

    private sealed record Inks(
        string Paper, string Raised, string Sunk, string Ink, string Soft, string Line, string Border, string Accent, string OnAccent, string New, string Note, string OnNote, string Shade);
}
