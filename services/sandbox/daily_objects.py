"""What Daily accepts: rooms, tokens and their properties as closed objects, with the documented defaults.

https://docs.daily.co/reference/rest-api
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from services.sandbox.wire import Closed

Recording = Literal["cloud", "cloud-audio-only", "local", "raw-tracks"]
Language = Literal[
    "da", "de", "en", "es", "fi", "fr", "it", "jp", "ka", "nl", "no", "pt", "pt-BR", "pl", "ru", "sv", "tr", "user"
]  # fmt: skip


class _Properties(Closed):
    """What rooms and tokens have in common. A default of None means that Daily has none; null itself is refused."""

    nbf: int | None = None
    exp: int | None = None
    eject_after_elapsed: int | None = None
    enable_screenshare: bool = True
    enable_prejoin_ui: bool | None = None
    enable_live_captions_ui: bool | None = None
    enable_terse_logging: bool = False
    enable_recording: Recording | list[Recording] | None = None
    start_video_off: bool = False
    start_audio_off: bool = False
    lang: Language = "en"
    permissions: dict[str, Any] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _is_not_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name != "geo":
            raise ValueError("must not be null")
        return value


class RoomProperties(_Properties):
    """https://docs.daily.co/reference/rest-api/rooms/config, the defaults included."""

    max_participants: int = 200
    enable_people_ui: bool | None = None
    enable_cpu_warning_notifications: bool | None = None
    enable_pip_ui: bool | None = None
    enable_emoji_reactions: bool | None = None
    enable_hand_raising: bool | None = None
    enable_network_ui: bool | None = None
    enable_noise_cancellation_ui: bool | None = None
    enable_breakout_rooms: bool | None = None
    enable_knocking: bool | None = None
    enable_video_processing_ui: bool = True
    enable_chat: bool = False
    enable_shared_chat_history: bool = True
    enable_raw_tracks_transcoded_audio: str | None = None
    eject_at_room_exp: bool = False
    enable_advanced_chat: bool = False
    enable_hidden_participants: bool = False
    enable_mesh_sfu: bool | None = None
    sfu_switchover: float = 0.5
    enable_adaptive_simulcast: bool = True
    enable_multiparty_adaptive_simulcast: bool = False
    enforce_unique_user_ids: bool = False
    experimental_optimize_large_calls: bool | None = None
    meeting_join_hook: str | None = None
    geo: str | None = None
    rtmp_geo: str | None = None
    disable_rtmp_geo_fallback: bool = False
    recordings_bucket: dict[str, Any] | None = None
    auto_transcription_settings: dict[str, Any] | None = None
    enable_transcription_storage: bool = False
    transcription_bucket: dict[str, Any] | None = None
    recordings_template: str | None = None
    transcription_template: str | None = None
    enable_dialout: bool = False
    dialout_config: dict[str, Any] | None = None
    streaming_endpoints: list[dict[str, Any]] | None = None
    sip: dict[str, Any] | None = None


class CreateRoom(Closed):
    """The body of `POST /rooms`."""

    name: str | None = None
    privacy: Literal["public", "private"] = "public"
    properties: RoomProperties = RoomProperties()


class TokenProperties(_Properties):
    """https://docs.daily.co/reference/rest-api/meeting-tokens/create-meeting-token"""

    room_name: str | None = None
    user_name: str | None = None
    user_id: str | None = None
    is_owner: bool = False
    eject_at_token_exp: bool = False
    enable_recording_ui: bool | None = None
    knocking: bool = False
    start_cloud_recording: bool = False
    start_cloud_recording_opts: dict[str, Any] | None = None
    auto_start_transcription: bool = False
    close_tab_on_exit: bool = False
    redirect_on_meeting_exit: str | None = None


class CreateToken(Closed):
    """The body of `POST /meeting-tokens`."""

    properties: TokenProperties = TokenProperties()


CLAIMS: Mapping[str, str] = {
    "room_name": "r",
    "user_name": "u",
    "user_id": "ud",
    "is_owner": "o",
    "knocking": "k",
    "nbf": "nbf",
    "exp": "exp",
    "eject_at_token_exp": "ejt",
    "eject_after_elapsed": "eje",
    "start_video_off": "vo",
    "start_audio_off": "ao",
    "enable_screenshare": "ss",
    "enable_recording": "er",
    "enable_recording_ui": "erui",
    "start_cloud_recording": "sr",
    "start_cloud_recording_opts": "sro",
    "auto_start_transcription": "ast",
    "close_tab_on_exit": "ctoe",
    "redirect_on_meeting_exit": "rome",
    "lang": "uil",
    "permissions": "p",
}
"""Token properties and the claims that carry them: https://docs.daily.co/docs/guides/privacy-and-security/self-signing-tokens"""
